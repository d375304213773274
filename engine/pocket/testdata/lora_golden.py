"""Records lora/NAME-STRENGTH.png and lora/cases.json with model/lora_reference.py:

    python testdata/lora_golden.py       (in engine/pocket; needs numpy and onnxruntime; some minutes)
"""
import json, os, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../model")
import lora_reference, reference

PROMPT, SEED, STEPS, CFG = "a castle in the mountains", 7, 4, 3.5
files = lambda name: f"{HERE}/../loras/files/{name}.safetensors"

def main():
    cases = []
    for name in ("night", "pixel-art", "watercolour"):
        for strength in (.5, 1.):
            cases.append({"png": f"{name}-{strength:g}.png", "loras": [{"name": name, "model": strength, "clip": strength}]})
    cases.append({"png": "two.png", "loras": [{"name": "pixel-art", "model": .75, "clip": 0.}, {"name": "night", "model": -.5, "clip": 2.}]})

    os.makedirs(HERE + "/lora", exist_ok=True)
    for c in cases:
        pic = lora_reference.generate(PROMPT, [(files(l["name"]), l["model"], l["clip"]) for l in c["loras"]], seed=SEED, steps=STEPS, cfg=CFG)
        reference.write_png(f"{HERE}/lora/{c['png']}", pic)
        print(c["png"], flush=True)
    json.dump({"prompt": PROMPT, "seed": SEED, "steps": STEPS, "cfg": CFG, "cases": cases}, open(HERE + "/lora/cases.json", "w"), indent=1)

main()
