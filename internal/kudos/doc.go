// Package kudos prices work and keeps the ledger: the only writer of balances.
//
// Prices are pure functions of an [Order]: [Price] is the worth of one picture
// before its model is known, [Order.Reward] what its worker is told,
// [Order.Burn] what its requester pays, [Order.Quote] what a whole request will
// cost. They follow generation rulebook §6.
//
// Most pictures are priced by a small neural network, a [Net], that says how many
// seconds a job takes; kudos are seconds as a share of those of the [BasisJob],
// which is worth 11. What the network has no input for goes to a fixed formula. A
// [Pricer] holds the choice of the network; the one in the program is [Standard],
// and NETWORK.md beside this file says how it came about. [Encoding] has the
// table of its inputs. Package training makes networks.
package kudos
