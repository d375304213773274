// Package kudos prices work and keeps the ledger: the only writer of balances.
//
// Prices are pure functions of an [Order]: [Price] is the worth of one picture
// before its model is known, [Order.Reward] what its worker is told,
// [Order.Burn] what its requester pays, [Order.Quote] what a whole request will
// cost. They follow generation rulebook §6.
package kudos
