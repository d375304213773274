// Package kudos prices work and keeps the ledger: the only writer of balances.
//
// Prices are pure functions of an [Order]: [Pricer.Price] is the worth of one
// image before its model is known, [Order.Reward] what its worker is told,
// [Order.Burn] what its requester pays, [Pricer.Quote] what a whole request will
// cost, and [Pricer.Explain] how that came about. [TextOrder] has the same for
// texts, [FormReward] and [FormBurn] for alchemy. They follow
// generation §6.
//
// The ledger is written through an [Entry], within a unit of work of the store:
// its methods charge, reward, give and set balances, and post the counterparts to
// the accounts of the system; Commit writes the event. [Hold] sets kudos aside for
// what will be charged later.
//
// Most images are priced by a small neural network, a [Net], that says how many
// seconds a job takes; kudos are seconds as a share of those of the [BasisJob],
// which is worth 11. What the network has no input for goes to a fixed formula. A
// [Pricer] holds the choice of the network; the one in the program is [Standard],
// and NETWORK.md beside this file says how it came about. [Encoding] has the
// table of its inputs. Package training makes networks.
package kudos
