package pyjson

import "testing"

// usualBody is what clients send for an image.
const usualBody = `{"prompt":"a red fox in the snow, detailed fur, golden hour ### blurry, text","nsfw":false,` +
	`"censor_nsfw":true,"trusted_workers":false,"slow_workers":true,"models":["AlbedoBase XL (SDXL)","stable_diffusion"],` +
	`"r2":true,"shared":false,"params":{"sampler_name":"k_euler_a","cfg_scale":7.5,"denoising_strength":0.75,` +
	`"height":1024,"width":1024,"karras":true,"steps":30,"n":1,"seed":"12345","post_processing":["GFPGAN"],` +
	`"loras":[{"name":"12345","model":0.8,"clip":1.0}]}}`

func BenchmarkParse(b *testing.B) {
	members := map[string]*Shape{}
	for _, name := range []string{"prompt", "nsfw", "censor_nsfw", "slow_workers", "models", "r2", "shared", "params"} {
		members[name] = nil
	}

	for name, shape := range map[string]*Shape{"whole": nil, "shaped": ObjectShape(members)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(usualBody)))
			for b.Loop() {
				if _, err := ParseShaped(usualBody, shape); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
