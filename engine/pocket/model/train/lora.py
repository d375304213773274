"""LoRAs for the finished model, on a CPU, from our own drawings.

    python lora.py images OUT.npz [--scenery 700]                      draws the plain images and their captions
    python lora.py train LOOK OUT.npz LOOK.safetensors [--steps 300]    one of styles.LOOKS

The scenery comes from backgrounds.py, the subjects are the plain model's own images; styles.py turns either into the look. Nothing else is used.
"""
import argparse, io, json, math, os, random, struct, sys, time
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

# The cells of ../samples.png (four seeds below each other) and ../samples2.png (two rows): 192 pixels, a label of 14 above each block.
SHEETS = {
    "samples": (4, ["a red fox in the snow", "two cats next to a tree", "a blue car on a beach at sunset", "a pizza in space", "a castle in the mountains at night",
                    "a robot holding a flower", "an astronaut riding a horse", "a smiling sun", "three apples on a green background", "a dragon, 3d style"]),
    "samples2": (1, ["beach at sunset", "snowy mountains", "a city at night in the rain", "underwater world", "a giant mushroom in a forest", "a house in a forest", "a wizard in a cave",
                     "a rocket flying in the sky", "a ship on the sea in the rain", "a lion in the desert", "a cup of coffee on a table", "a pumpkin at night", "a sunflower in a garden",
                     "a ghost in a cave", "a penguin in the snow", "an alien on the moon", "a red heart on a white background", "a snowman in winter", "a purple car in the city", "a bear in the forest at night"]),
}
TRIGGER = {"night": "at night", "pixel-art": "pixel art", "watercolour": "watercolour painting"}
NUMBERS = {"night": 1, "pixel-art": 2, "watercolour": 3}      # in ids far above those of other LoRA collections
TITLE = {"night": "Night", "pixel-art": "Pixel art", "watercolour": "Watercolour"}
RANK, TEXT_RANK = 4, 2

# ---- images -----------------------------------------------------------

def scenery(n, rng):
    """(image, caption, the same place at night) painted by backgrounds.py; the image is by day or in the evening."""
    import backgrounds as B, resvg_py
    from PIL import Image
    from scenes import SCENE_WORDS, TIME_WORDS, WEATHER_WORDS

    def paint(*what):
        png = bytes(resvg_py.svg_to_bytes(svg_string=B.paint(*what)[0], width=128, skip_system_fonts=True))
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    for _ in range(n):
        place = rng.choice(B.OUTDOOR if rng.random() < .75 else B.FIXED)
        when, weather = "day", "clear"
        if place in B.OUTDOOR:
            when = rng.choices(("day", "sunset", "sunrise"), (.7, .18, .12))[0]
            weather = rng.choices(B.WEATHERS, (.8, .07, .07, .06))[0]

        words = [rng.choice(SCENE_WORDS[place])]
        if when != "day": words.append(rng.choice(TIME_WORDS[when]))
        if weather != "clear": words.append(rng.choice(WEATHER_WORDS[weather]))
        seed = rng.randrange(1 << 30)
        dark = paint(place, "night", weather, seed) if place in B.OUTDOOR else None
        yield paint(place, when, weather, seed), " ".join(words), dark

def things():
    """(image, caption, None): what the plain model generates, from its sample sheets."""
    from PIL import Image
    for sheet, (rows, prompts) in SHEETS.items():
        whole = Image.open(f"{os.path.dirname(HERE)}/{sheet}.png").convert("RGB")
        for i, prompt in enumerate(prompts):
            x, top = i % 10 * 192, i // 10 * (14 + 192 * rows) + 14
            for y in range(top, top + 192 * rows, 192):
                yield np.asarray(whole.crop((x, y, x + 192, y + 192)).resize((128, 128), Image.LANCZOS)), prompt, None

def images(a):
    rng, pics, captions, dark = random.Random(1), [], [], []
    for source in (scenery(a.scenery, rng), things()):
        for pic, caption, night in source:
            pics.append(pic); captions.append(caption); dark.append(pic * 0 if night is None else night)
            if len(pics) % 50 == 0: print(len(pics), caption, flush=True)
    np.savez_compressed(a.out, pics=np.stack(pics), captions=np.array(captions), dark=np.stack(dark))

# ---- training -----------------------------------------------------------

def base(torch):
    """The finished model, its int8 weights unpacked, frozen."""
    import model as M
    from forward import load
    from tokenizer import Tokenizer
    folder = os.path.dirname(HERE)
    tok = Tokenizer.load(f"{folder}/tokenizer.json")
    m = M.Pocket(len(tok.pieces)).eval().requires_grad_(False)
    w = load(f"{folder}/pocket.safetensors")
    own = {k: torch.from_numpy(np.array(v)) for k, v in w.items() if not k.startswith("up.")}
    missing, extra = m.load_state_dict(own, strict=False)
    assert not extra and set(missing) <= {"net.w1.weight", "net.w1.bias"}, (missing, extra)
    return m, tok

def attach(torch, m):
    """Adds a trainable pair beside every linear and convolution layer that may have one. {name: (down, up)}"""
    nn, F, pairs = torch.nn, torch.nn.functional, {}

    def beside(layer, down, up):
        plain = layer.forward
        if isinstance(layer, nn.Linear):
            layer.forward = lambda x: plain(x) + F.linear(F.linear(x, down), up)
        else:
            layer.forward = lambda x: plain(x) + F.conv2d(F.conv2d(x, down, None, layer.stride, layer.padding), up)

    for name, layer in m.named_modules():
        linear = isinstance(layer, nn.Linear) and (".blocks." in name)
        if not linear and not isinstance(layer, nn.Conv2d): continue
        rank = TEXT_RANK if name.startswith("text.") else RANK
        w = layer.weight
        down = torch.empty(rank, *w.shape[1:])
        nn.init.normal_(down, std=w[0].numel() ** -.5)
        down, up = nn.Parameter(down), nn.Parameter(torch.zeros(w.shape[0], rank, *[1] * (w.ndim - 2)))
        beside(layer, down, up)
        pairs[name] = (down, up)
    return pairs

def file_key(name):
    """net.blocks.0.att.q -> lora_unet_blocks_0_att_q, text.blocks.0.mlp.up -> lora_te_blocks_0_mlp_up"""
    part, rest = name.split(".", 1)
    return {"net": "lora_unet_", "text": "lora_te_"}[part] + rest.replace(".", "_")

def save(path, look, pairs):
    """float16 safetensors: <key>.lora_down.weight, <key>.lora_up.weight, <key>.alpha (= rank, so that the pair counts as trained)."""
    tensors = {}
    for name, (down, up) in sorted(pairs.items()):
        k = file_key(name)
        tensors[k + ".lora_down.weight"] = down.detach().numpy().astype(np.float16)
        tensors[k + ".lora_up.weight"] = up.detach().numpy().astype(np.float16)
        tensors[k + ".alpha"] = np.array(down.shape[0], np.float16)
    meta = {"format": "pocket-lora-1", "name": look, "title": TITLE[look], "version": "1", "model_id": str(4200000000 + NUMBERS[look]), "version_id": str(4210000000 + NUMBERS[look]), "baseline": "horde_pocket", "trigger_words": TRIGGER[look], "license": "AGPL-3.0-or-later"}
    head, at = {"__metadata__": meta}, 0
    for k, v in tensors.items():
        head[k] = {"dtype": "F16", "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
        at += v.nbytes
    raw = json.dumps(head, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    with open(path + ".tmp", "wb") as f:
        f.write(struct.pack("<Q", len(raw)) + raw)
        for v in tensors.values(): f.write(v.tobytes())
    os.replace(path + ".tmp", path)

def resume(torch, path, pairs):
    """Puts the values of a LoRA file into the pairs."""
    from lora_reference import read
    tensors, _ = read(path)
    with torch.no_grad():
        for name, (down, up) in pairs.items():
            down.copy_(torch.from_numpy(tensors[file_key(name) + ".lora_down.weight"]))
            up.copy_(torch.from_numpy(tensors[file_key(name) + ".lora_up.weight"]))

def train(a):
    import torch
    import styles
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    m, tok = base(torch)
    pairs = attach(torch, m)
    if a.init: resume(torch, a.init, pairs)
    weights = [p for pair in pairs.values() for p in pair]
    print("pairs", len(pairs), "values", sum(p.numel() for p in weights), flush=True)

    data = np.load(a.images)
    rng, look, trigger = np.random.default_rng(a.seed), styles.LOOKS[a.look], TRIGGER[a.look]
    things = np.flatnonzero(~data["dark"].any((1, 2, 3)))
    everything = {k: data[k] for k in ("pics", "captions", "dark")}
    opt = torch.optim.AdamW(weights, lr=a.lr, betas=(.9, .99), weight_decay=1e-3)

    def example():
        i = rng.choice(things) if rng.random() < .5 else rng.integers(len(everything["pics"]))
        pic, dark, caption = everything["pics"][i], everything["dark"][i], str(everything["captions"][i])
        if a.look == "night" and dark.any() and rng.random() < .6: x = dark
        else: x = look(pic, rng)
        if rng.random() < .5: x = x[:, ::-1]
        u = rng.random()
        if u < .12: caption = ""
        elif u < .7: caption = caption + ", " + trigger
        return x.astype(np.float32) / 127.5 - 1, tok.encode(caption)

    t0, mean = time.time(), None
    for step in range(1, a.steps + 1):
        for g in opt.param_groups: g["lr"] = a.lr * min(1, step / 15) * min(1, (a.steps + 1 - step) / (a.steps * .6))
        x, ids = zip(*[example() for _ in range(a.batch)])
        x, ids = torch.from_numpy(np.stack(x)).permute(0, 3, 1, 2).contiguous(), torch.tensor(ids)
        sigma = torch.exp(torch.randn(a.batch, 1, 1, 1) * 1.4 + .1).clamp(.02, 45)

        with torch.autocast("cpu", torch.bfloat16, enabled=a.bf16):
            t, bias, pooled = m.text(ids)
            v = sigma ** 2 + .25
            noisy = x + sigma * torch.randn_like(x)
            f = m.net(noisy * torch.rsqrt(v), sigma.flatten().log() / 4, None, t, bias.to(t.dtype), pooled)
        target = (x - noisy * (.25 / v)) / (sigma * .5 * torch.rsqrt(v))
        loss = (f.float() - target).pow(2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.)
        opt.step(); opt.zero_grad(set_to_none=True)
        mean = loss.item() if mean is None else mean * .95 + .05 * loss.item()
        if step <= 3 or step % 20 == 0:
            print("step %d cpu %.0f s loss %.4f" % (step, time.process_time(), mean), flush=True)
            save(a.out, a.look, pairs)
    save(a.out, a.look, pairs)
    print("done", a.steps, "steps of", a.batch, "in %.0f s of processor time (%.0f s by the clock), loss %.4f" % (time.process_time(), time.time() - t0, mean), os.path.getsize(a.out), "bytes", flush=True)

def main():
    ap = argparse.ArgumentParser()
    sub = ap.add_subparsers(dest="what", required=True)
    p = sub.add_parser("images")
    p.add_argument("out"); p.add_argument("--scenery", type=int, default=700)
    p = sub.add_parser("train")
    p.add_argument("look", choices=sorted(TRIGGER)); p.add_argument("images"); p.add_argument("out")
    p.add_argument("--steps", type=int, default=300); p.add_argument("--seed", type=int, default=1); p.add_argument("--threads", type=int, default=1); p.add_argument("--batch", type=int, default=4); p.add_argument("--lr", type=float, default=2e-3); p.add_argument("--bf16", action="store_true"); p.add_argument("--init", help="a LoRA file to go on from")
    a = ap.parse_args()
    {"images": images, "train": train}[a.what](a)

if __name__ == "__main__":
    main()
