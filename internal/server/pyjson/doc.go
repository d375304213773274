// Package pyjson reads JSON as leniently as the original's server does, which is
// written in Python. Programs in the field rely on that leniency, so it is part of
// the contract:
//
//   - Parse takes NaN and the infinities as numbers, lets the last of several
//     members of one name win, and mends lone surrogates (generation §0.2).
//   - Bool, Text, Int and Amount read the members of bodies that no schema
//     describes, and convert what they find as the original's argument parser
//     does: "false" is true, 1.7 is 1, true is "True" (platform §1.3). NotInt is how
//     it refuses what is no number.
//   - Assign fills a struct of package api from a parsed value that its schema has
//     approved. Whole numbers may be written with a point.
//   - FindNUL looks for the one character that no database keeps (generation §0.3).
//
// What Parse returns is made of nil, bool, string, int64, float64, json.Number,
// []any and map[string]any. The package is strict where leniency would only help
// an attacker: on depth, on the number of members and on UTF-8.
package pyjson
