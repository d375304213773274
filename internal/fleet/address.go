package fleet

import "net/netip"

// mayCallFrom refuses workers at an address that is kept out (generation rulebook
// §1.14).
func (f *Fleet) mayCallFrom(text string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return nil
	}
	return f.Addresses.Check(addr)
}
