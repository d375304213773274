"""The three looks, as programs: a plain picture -> the same content as night, pixel art or watercolour.

A look takes u8 [128,128,3] and a numpy random generator and gives u8 [128,128,3]. Nothing but arithmetic and drawing: no outside artwork.
"""
import numpy as np
from PIL import Image

def box(a, n, times=2):
    """Smooth a [h,w] or [h,w,c] array with an n-wide box (n odd), repeated."""
    a = a.astype(np.float32)
    p = n // 2
    for _ in range(times):
        for axis in (0, 1):
            pad = [(0, 0)] * a.ndim
            pad[axis] = (p + 1, p)
            c = np.cumsum(np.pad(a, pad, mode="edge"), axis, dtype=np.float64)
            a = (np.take(c, range(n, c.shape[axis]), axis) - np.take(c, range(c.shape[axis] - n), axis)).astype(np.float32) / n
    return a

def u8(a):
    return np.clip(np.rint(a * 255), 0, 255).astype(np.uint8)

def luma(a):
    return a @ np.float32([.299, .587, .114])

def sky_mask(a):
    """0..1: smooth, reached from the upper edge without crossing an outline. The place for stars."""
    y = luma(a)
    edge = np.abs(np.diff(y, axis=0, prepend=y[:1])) + np.abs(np.diff(y, axis=1, prepend=y[:, :1]))
    calm = box(edge, 3, 1) < .035
    open_ = np.logical_and.accumulate(calm[3:], axis=0)
    open_ = np.concatenate([np.ones((3, y.shape[1]), bool), open_])
    return box(open_.astype(np.float32), 3, 1) > .8

def night(pic, rng):
    """Dark blue light, a moon and stars where the sky is, warm light in what was bright and warm."""
    a = pic.astype(np.float32) / 255
    y = luma(a)[..., None]
    warm = np.clip((a[..., :1] - a[..., 2:] - .25) * 2, 0, 1) * np.clip((y - .55) * 3, 0, 1)
    grade = y * .35 + a * .65
    dark = np.power(grade, 1.3) * np.float32([.36, .42, .62]) + np.float32([.010, .022, .085])
    out = dark * (1 - .5 * warm) + .5 * warm * np.float32([.98, .76, .34])

    sky = sky_mask(a)
    low = np.linspace(.62, 1, len(a), dtype=np.float32)[:, None, None]      # darkest overhead
    out = out * low

    for _ in range(rng.integers(40, 80)):
        i, j = rng.integers(1, 100), rng.integers(1, 127)
        if sky[i, j]:
            k = rng.uniform(.45, 1)
            out[i, j] = out[i, j] * (1 - k) + k * np.float32([1, 1, .94])
            if rng.random() < .25:
                out[i - 1:i + 2, j] = np.maximum(out[i - 1:i + 2, j], .55)
                out[i, j - 1:j + 2] = np.maximum(out[i, j - 1:j + 2], .55)

    for _ in range(12):                                   # the first calm place for a moon
        r = rng.uniform(6, 10)
        cy, cx = rng.uniform(r + 3, 34), rng.uniform(r + 3, 127 - r - 3)
        if sky[int(cy - r):int(cy + r), int(cx - r):int(cx + r)].mean() < .97:
            continue
        gy, gx = np.mgrid[:len(a), :len(a)].astype(np.float32)
        d = np.hypot(gy - cy, gx - cx)
        halo = .35 * np.exp(-np.maximum(d - r, 0) / 7)[..., None]
        out = out + halo * np.float32([.75, .78, .62])
        disc = np.clip(r - d + .5, 0, 1)[..., None]
        out = out * (1 - disc) + disc * np.float32([.99, .96, .80])
        break
    return u8(out)

def pixel_art(pic, rng):
    """Square blocks of 4 pixels and at most 16 colours, the outlines of things darkened."""
    a = pic.astype(np.float32) / 255
    small = a.reshape(32, 4, 32, 4, 3)
    mean = small.mean((1, 3))
    flat = small.transpose(0, 2, 1, 3, 4).reshape(32, 32, 16, 3)
    near = np.argmin(((flat - mean[:, :, None]) ** 2).sum(-1), -1)
    hard = np.take_along_axis(flat, near[..., None, None], 2)[:, :, 0]

    c = mean * .35 + hard * .65
    y = luma(c)
    step = np.maximum(np.abs(np.diff(y, axis=0, append=y[-1:])), np.abs(np.diff(y, axis=1, append=y[:, -1:])))
    darker = np.minimum(y, np.minimum(np.roll(y, -1, 0), np.roll(y, -1, 1)))
    line = (step > .16) & (y <= darker + .02)
    c = np.where(line[..., None], c * .62, c)
    grey = luma(c)[..., None]
    c = np.clip((grey + (c - grey) * 1.25 - .5) * 1.12 + .5, 0, 1)

    p = Image.fromarray(u8(c)).quantize(16, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(p).repeat(4, 0).repeat(4, 1)

def smooth_patches(a, turns=3):
    """Kuwahara filter: each pixel takes the calmest of the four squares that touch it."""
    for _ in range(turns):
        m, v = box(a, 5, 1), box((a ** 2).sum(-1), 5, 1) - (box(a, 5, 1) ** 2).sum(-1)
        shifted = [(np.roll(m, s, (0, 1)), np.roll(v, s, (0, 1))) for s in ((2, 2), (2, -2), (-2, 2), (-2, -2))]
        best = np.argmin(np.stack([q for _, q in shifted]), 0)
        a = np.take_along_axis(np.stack([q for q, _ in shifted]), best[None, ..., None], 0)[0]
    return a

def cloudy(rng, n):
    """Smooth noise of n blobs a side, mean 0, about -1..1."""
    z = Image.fromarray(rng.standard_normal((n, n)).astype(np.float32)).resize((128, 128), Image.BICUBIC)
    return np.asarray(z)

def watercolour(pic, rng):
    """Washed flat patches, dark rims of pigment, paper grain and a ragged white border."""
    pad = np.pad(pic.astype(np.float32) / 255, ((8, 8), (8, 8), (0, 0)), mode="edge")
    a = smooth_patches(pad)[8:-8, 8:-8]

    y = luma(a)
    rim = np.clip(box(y, 5, 1) - y, 0, 1)                 # the dark side of an edge
    a = np.clip(1 - (1 - a) * .74, 0, 1)                  # thin paint on white paper
    wash = cloudy(rng, 6) * .5 + cloudy(rng, 14) * .35
    density = (1 + .22 * wash + 2.2 * rim)[..., None]
    a = np.power(np.clip(a, .02, 1), np.clip(density, .5, 2.2))
    grain = box(rng.standard_normal((128, 128)), 3, 1) * 2
    a = a * (1 + .035 * grain[..., None])

    gy, gx = np.mgrid[:128, :128].astype(np.float32)
    d = np.minimum(np.minimum(gx, 127 - gx), np.minimum(gy, 127 - gy)) + cloudy(rng, 18) * 2.2 + cloudy(rng, 40) * .8
    inside = np.clip((d - 7) / 1.8, 0, 1)[..., None]
    pool = np.clip(1 - np.abs(d - 9.5) / 2, 0, 1)[..., None] * .10    # paint gathers at the border
    a = a * (1 - pool)
    paper = np.float32([.985, .975, .950]) * (1 + .012 * grain[..., None])
    return u8(a * inside + paper * (1 - inside))

LOOKS = {"night": night, "pixel-art": pixel_art, "watercolour": watercolour}
