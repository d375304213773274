package store

import (
	"context"
	"time"

	"horde/internal/horde"
)

// AddressBan keeps the callers of a network out until a moment
// (platform §3.7).
type AddressBan struct {
	Network string // a prefix as netip.Prefix writes it: "203.0.113.7/32"
	Block   bool   // made as a range; else the timeout of one caller
	Until   horde.Micros
}

// OffenceMemory is how long an offence of an address is remembered.
const OffenceMemory = 24 * time.Hour

const bansRead = "SELECT network, block, until FROM address_bans WHERE "

func scanBan(r scanner) (b AddressBan, err error) {
	return b, r.Scan(&b.Network, &b.Block, &b.Until)
}

// AddressBans reads all bans that hold at now, in microseconds.
func (s *Store) AddressBans(ctx context.Context, now horde.Micros) ([]AddressBan, error) {
	return rows(ctx, s, scanBan, bansRead+"until > $1", now)
}

// AddressBansOf reads the bans of these networks, ended ones too.
func (s *Store) AddressBansOf(ctx context.Context, networks []string) ([]AddressBan, error) {
	var all []AddressBan
	err := inChunks(networks, func(q string, args []any) error {
		some, err := rows(ctx, s, scanBan, bansRead+"network IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// SetAddressBan writes a ban, over one that the network has.
func (tx *Tx) SetAddressBan(b AddressBan) error {
	tx.changed.Addresses.add(b.Network)
	_, err := tx.change("INSERT INTO address_bans (network, block, until) VALUES ($1, $2, $3) "+
		"ON CONFLICT (network, block) DO UPDATE SET until = excluded.until", b.Network, b.Block, b.Until)
	return err
}

// ExtendAddressBan is SetAddressBan that never shortens one.
func (tx *Tx) ExtendAddressBan(b AddressBan) error {
	tx.changed.Addresses.add(b.Network)
	_, err := tx.change("INSERT INTO address_bans (network, block, until) VALUES ($1, $2, $3) "+
		"ON CONFLICT (network, block) DO UPDATE SET until = "+
		"CASE WHEN excluded.until > address_bans.until THEN excluded.until ELSE address_bans.until END",
		b.Network, b.Block, b.Until)
	return err
}

// LiftAddressBan ends the ban of a network, or of a range, whenever it would end; there
// need not be one.
func (tx *Tx) LiftAddressBan(b AddressBan) error {
	tx.changed.Addresses.add(b.Network)
	_, err := tx.change("DELETE FROM address_bans WHERE network = $1 AND block = $2", b.Network, b.Block)
	return err
}

// Offender is a network that offends.
type Offender struct {
	Network string
	Proxy   bool // it passed on the call of somebody who did
}

// Offences counts what a network has done since a moment.
func (tx *Tx) Offences(o Offender, since horde.Micros) (int, error) {
	return readCount(tx, "SELECT count(*) FROM address_offences WHERE network = $1 AND proxy = $2 AND at > $3",
		o.Network, o.Proxy, since)
}

// InsertOffence remembers an offence of a network, now.
func (tx *Tx) InsertOffence(id string, o Offender) error {
	_, err := tx.change("INSERT INTO address_offences (id, network, proxy, at) VALUES ($1, $2, $3, $4)",
		id, o.Network, o.Proxy, tx.Now)
	return err
}

// ForgetOffences forgets what a network has done itself.
func (tx *Tx) ForgetOffences(network string) error {
	_, err := tx.change("DELETE FROM address_offences WHERE network = $1 AND proxy = $2", network, false)
	return err
}

// PruneAddresses forgets bans that have ended and offences that are no longer
// counted.
func (tx *Tx) PruneAddresses() error {
	if _, err := tx.change("DELETE FROM address_bans WHERE until <= $1", tx.Now); err != nil {
		return err
	}
	_, err := tx.change("DELETE FROM address_offences WHERE at <= $1", tx.Now-horde.MicrosIn(OffenceMemory))
	return err
}
