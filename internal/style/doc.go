// Package style keeps the presets that requests may name: styles (a prompt
// template, parameters, models) and collections of them (platform §3.12,
// §3.13; generation §4).
//
// A request that names one calls [Styles.Choose], merges the [Chosen] style into
// itself with [Chosen.Image] or [Chosen.Text] before it is checked, and lets
// [Chosen.RewardOwner] count the use and pay the style's owner in the transaction that
// accepts it. Everything else here makes, changes and shows styles.
//
// Nothing is cached: a style that was just changed, on any node, is the one that
// the next request gets.
package style
