// Package model holds the files of the pocket model (MODEL_CARD.md says what
// they are and how inference works) and embeds those that inference needs.
//
// The graphs are ONNX; their large weights are external data inside
// pocket.safetensors, found by file name, so the four files must lie in one
// folder when a runtime loads them. reference.py is the definition of "right",
// golden/ its recorded results, train/ the recipe from artwork to weights.
package model

import "embed"

// FS holds pocket.safetensors, the three .onnx graphs and tokenizer.json.
//
//go:embed pocket.safetensors text_encoder.onnx denoiser.onnx upscaler.onnx tokenizer.json
var FS embed.FS

// Runtime lists the files of FS that an ONNX runtime needs in one folder.
var Runtime = []string{"pocket.safetensors", "text_encoder.onnx", "denoiser.onnx", "upscaler.onnx"}

// Attribution is to be shown wherever the model's licences are shown.
const Attribution = `The pocket model was trained on: Fluent Emoji (3D, Color, Flat) © Microsoft Corporation, MIT. Noto Emoji and Noto Emoji v1 © Google LLC, Apache-2.0. FxEmojis © Mozilla, Apache-2.0. Twemoji © Twitter, Inc and other contributors, CC-BY 4.0. EmojiOne 2.3 © EmojiOne, CC-BY 4.0. Streamline Emojis © Streamline, CC-BY 4.0. Names and keywords: emojibase-data © Miles Johnson, MIT (from Unicode CLDR). Changes: rendered, recoloured and composed into scenes. Weights and code: AGPL-3.0-or-later.`
