"""Records reference.json: what model/reference.py computes for settings that the golden cases leave out.

    python testdata/record.py        (in engine/pocket; needs numpy and onnxruntime)
"""
import json, os, sys
import numpy as np
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "model"))
import reference

p = reference.Pocket()
# The source picture: red grows to the right, green downwards, blue along the diagonal.
i = np.arange(128)
rgb = np.stack(np.broadcast_arrays(2 * i[None, :], 2 * i[:, None], i[None, :] + i[:, None]), 0).astype(np.float32)
source = (rgb / np.float32(127.5) - np.float32(1))[None]

cases = [
    dict(name="euler", prompt="a ship on the sea", seed=11, steps=5, cfg=3.5, sampler="euler"),
    dict(name="unguided", prompt="a house in a forest", seed=12, steps=4, cfg=1.0, sampler="dpmpp_2m"),
    dict(name="one step", prompt="a sunflower", seed=13, steps=1, cfg=3.5, sampler="dpmpp_2m"),
    dict(name="image to image", prompt="a city at night", seed=14, steps=9, cfg=3.5, sampler="dpmpp_2m", strength=0.5),
    dict(name="image to image, ancestral", prompt="a city at night", negative="rain", seed=15, steps=6, cfg=2.0, sampler="euler_a", strength=1.0),
    dict(name="image to image, weak", prompt="a city at night", seed=16, steps=10, cfg=3.5, sampler="euler", strength=0.01),
]
for c in cases:
    trace = {}
    kw = {k: v for k, v in c.items() if k != "name"}
    picture = p.generate(**kw, init=source if "strength" in c else None, upscale=False, trace=trace)
    low = trace["low"].astype(np.float64).ravel()
    c["low"] = dict(sum=float(low.sum()), sumsq=float((low ** 2).sum()), first=[float(v) for v in low[:8]])
    c["mean"] = [float(v) for v in picture.reshape(-1, 3).mean(0)]
json.dump(cases, open(os.path.join(here, "reference.json"), "w"), indent=1)
