// Package account knows who somebody is, what they may do, and what they do with
// their kudos: users, their API keys and roles, shared keys, gifts and grants.
//
// [New] gives the [Accounts] of a store. [Accounts.ByKey], [Accounts.ByID] and
// [Accounts.Spender] find users; [Accounts.Create], [Accounts.Modify] and
// [Accounts.Delete] make, change and remove them. An API key is stored as a hash
// and shown once. Lookups by key are answered from a cache that every change of a
// user, on this node or another, clears.
//
// Kudos move by [Accounts.Transfer], [Accounts.Award] and [Accounts.Adjust], by
// what is paid each month ([Accounts.PayMonthly], to supporters of
// [Accounts.SetSupporters] too) and when a worker's owner becomes trusted
// ([Accounts.PromoteEarners]). All of it goes through the ledger of package kudos,
// in one unit of work with the facts that cause it. [History] explains it in
// words.
package account
