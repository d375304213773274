//go:build !unix

package store

func (s *Store) lockFolder(string) error { return nil }
func (s *Store) unlock()                 {}
