"""The model with LoRAs, in plain numpy: what forward.py computes with W + strength * alpha/rank * up @ down in place of W.

    python lora_reference.py "a red fox in the snow" fox.png --lora ../loras/files/night.safetensors:0.8 [--lora FILE:MODEL:CLIP] [--seed 1] [--steps 8]

Slow (a second or two a pass) and independent of the ONNX graphs: the definition of "right" for LoRAs. Files are merged in the order of their SHA-256.
"""
import argparse, hashlib, json
import numpy as np
import forward, reference

PARTS = {"net.": "lora_unet_", "text.": "lora_te_"}

def read(path):
    """safetensors -> {name: float64 array}, SHA-256"""
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])
    types = {"F16": np.float16, "F32": np.float32}
    return {k: np.frombuffer(raw[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]], types[v["dtype"]]).reshape(v["shape"]).astype(np.float64)
            for k, v in head.items() if k != "__metadata__"}, hashlib.sha256(raw).hexdigest()

def merge(weights, loras):
    """loras: [(tensors, model strength, clip strength)]"""
    out = dict(weights)
    for name, w in weights.items():
        part = name[:name.find(".") + 1]
        if part not in PARTS or not name.endswith(".weight"): continue
        key, sum_ = PARTS[part] + name[len(part):-len(".weight")].replace(".", "_"), w.astype(np.float64)
        for tensors, model, clip in loras:
            if key + ".lora_up.weight" not in tensors: continue
            up, down = tensors[key + ".lora_up.weight"], tensors[key + ".lora_down.weight"]
            rank = down.shape[0]
            strength = model if part == "net." else clip
            sum_ = sum_ + strength * float(tensors[key + ".alpha"]) / rank * (up.reshape(-1, rank) @ down.reshape(rank, -1)).reshape(w.shape)
        out[name] = sum_.astype(np.float32)
    return out

class Text:
    def run(self, _, feed):
        t = [forward.text_encoder(list(ids)) for ids in feed["ids"]]
        return [np.stack([x for x, _, _ in t]), np.stack([b for _, b, _ in t])[:, None, None], np.stack([p for _, _, p in t])]

class Net:
    def run(self, _, feed):
        return [np.stack([forward.denoiser(x, s, t, b[0, 0], p) for x, s, t, b, p in zip(*(feed[k] for k in ("x", "sigma", "text", "bias", "pooled")))])]

def generate(prompt, loras, plain=dict(forward.W), **settings):
    """loras: [(path, model strength, clip strength)] -> u8 [128,128,3]"""
    files = sorted(((*read(path), model, clip) for path, model, clip in loras), key=lambda f: f[1])
    forward.W = merge(plain, [(tensors, model, clip) for tensors, _, model, clip in files])
    pocket = reference.Pocket.__new__(reference.Pocket)
    pocket.text, pocket.net, pocket.tok = Text(), Net(), reference.Tokenizer(reference.HERE + "/tokenizer.json")
    return pocket.generate(prompt, upscale=False, **settings)

if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("prompt"); ap.add_argument("out"); ap.add_argument("--lora", action="append", default=[])
    ap.add_argument("--seed", type=int, default=1); ap.add_argument("--steps", type=int, default=8); ap.add_argument("--cfg", type=float, default=3.5)
    a = ap.parse_args()
    loras = []
    for text in a.lora:
        path, *strengths = text.split(":")
        loras.append((path, float(strengths[0]) if strengths else 1., float(strengths[-1]) if strengths else 1.))
    reference.write_png(a.out, generate(a.prompt, loras, seed=a.seed, steps=a.steps, cfg=a.cfg))
