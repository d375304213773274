// Package source reads the images that requesters send along, in base64 or by URL,
// and stores them where workers can fetch them. Its refusals are those of
// generation §1.6.
//
//	webp, alpha, err := source.Images{Fetcher: f, Blobs: b}.WebP(ctx, text)
//	err = images.Put(ctx, name, webp)
//
// An image comes from a stranger. Its bytes, pixels and work are bounded before
// anything is decoded, and it waits for its turn only as long as its caller does;
// addresses are fetched by a client that does not enter private networks (package
// fetch). It is decoded to what a person would see (package imaging), and stored as
// WebP without its metadata.
//
// Images and alchemy use it alike: requests store what they are sent, forms about an
// image at an address only see that it can be read, and pass the address on.
package source
