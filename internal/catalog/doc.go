// Package catalog knows the models of a horde: which image models exist, what
// they are built on (their baseline, which decides prices and abilities), what
// settings they ask for, and how large text models are.
//
// The knowledge comes from model references in the public format, one document
// for images and one for text (generation rulebook §1.3 and §2.4, platform
// rulebook §15), named by file or URL. [New] reads files at once and returns; URLs
// are fetched by [Catalog.Run] in the background, so that a slow or dead host
// never delays the start. Until then, and where no reference is configured, a small
// built-in list of common image models stands in.
//
// Readers take a [Snapshot] once per call and ask it: it never changes, so that
// one request sees one state of the reference.
package catalog
