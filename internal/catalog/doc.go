// Package catalog knows the models of a horde: which image models exist, what
// they are built on (their baseline, which decides prices and abilities), what
// settings they require, and how large text models are.
//
// It learns this from model references in the public format: documents for
// images, one or two that are merged, and one for text models (generation §1.3
// and §2.4, platform §15). They come from files and URLs that are
// configured, or are handed to [Catalog.Import]. The last good copies are kept in
// the store. [New] begins with those, reads files at once and returns; URLs are
// read by [Catalog.Run] in the background, so that a slow or dead host never
// delays the start. Where there is no reference, small built-in lists of common
// models stand in. A node hears of another's copy by
// the change log.
//
// Readers take a [Snapshot] once per call and ask it: it never changes, so that
// one request sees one state of the reference.
package catalog
