"""PyTorch's side of the benchmark on one card: reads a question a line (JSON) on standard input, answers a line.

    python3 torch_peer.py [cuda|cpu]

    {"op": "hello"}                                   {"torch", "device", "cuda"}
    {"op": "limits"}                                  {"teraflops", "n", "gigabytes"}
    {"op": "load", "case": ..., "probes": [...]}      {"how", "samples": [base64 of f32]} or {"unsupported": reason}
    {"op": "time", "calls": n}                        {"ms", "gpuMs"}, of one call
    {"op": "release"}                                 {}

What goes wrong is answered as {"error": message}. Cases, probes and numbers are those of ../src/gpu-box (case.ts, probe.ts,
values.ts).
"""

import array
import base64
import json
import os
import sys
import time

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cuda"

# Libraries print; answers have a channel of their own.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

SOURCES = {"q": (1, 4.0), "k": (2, 1.0), "v": (3, 1.0), "dOut": (4, 1.0), "bias": (5, 1.0)}
CHUNK = 1 << 24
MASK = 0xFFFFFFFF


def filled(torch, name, shape):
    """The numbers of valueAt in values.ts, f16. 64-bit products wrap, but their low 32 bits are right."""
    seed, factor = SOURCES[name]
    tensor = torch.empty(shape, dtype=torch.float16, device=DEVICE)
    flat = tensor.view(-1)
    for start in range(0, flat.numel(), CHUNK):
        end = min(start + CHUNK, flat.numel())
        x = torch.arange(start, end, dtype=torch.int64, device=DEVICE)
        x = (x + seed * 0x9E3779B9) & MASK
        x = ((x ^ (x >> 16)) * 0x7FEB352D) & MASK
        x = ((x ^ (x >> 15)) * 0x846CA68B) & MASK
        x = x ^ (x >> 16)
        flat[start:end] = ((x >> 21) - 1024).float() / 1024 * factor
    return tensor


def wait(torch):
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def timed(torch, call, calls):
    """Wall time until all calls are done, and the GPU's own, of one call in milliseconds."""
    wait(torch)
    if DEVICE != "cuda":
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        return {"ms": (time.perf_counter() - begin) * 1000 / calls}
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin = time.perf_counter()
    first.record()
    for _ in range(calls):
        call()
    last.record()
    torch.cuda.synchronize()
    ms = (time.perf_counter() - begin) * 1000 / calls
    return {"ms": ms, "gpuMs": first.elapsed_time(last) / calls}


def best_ms(torch, call, calls):
    timed(torch, call, calls)
    return min(timed(torch, call, calls)["ms"] for _ in range(5))


def limits(torch):
    n, size = (8192, 1 << 30) if DEVICE == "cuda" else (512, 1 << 24)
    a = torch.randn(n, n, device=DEVICE).half()
    b = torch.randn(n, n, device=DEVICE).half()
    c = torch.empty_like(a)
    product = best_ms(torch, lambda: torch.mm(a, b, out=c), 10)
    source = torch.zeros(size, dtype=torch.uint8, device=DEVICE)
    target = torch.empty_like(source)
    copy = best_ms(torch, lambda: target.copy_(source), 10)
    return {"teraflops": 2 * n**3 / product / 1e9, "n": n, "gigabytes": 2 * size / copy / 1e6}


def flex_call(torch, case, q, k, v):
    """FlexAttention as torch.compile fuses it."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    torch._dynamo.reset()
    compiled = torch.compile(flex_attention, dynamic=False)
    mod = case["mod"]
    if mod["kind"] == "slidingWindow":
        window = mod["window"]

        def visible(b, h, q_idx, kv_idx):
            return (q_idx >= kv_idx) & (q_idx - kv_idx <= window)

        mask = create_block_mask(visible, None, None, case["seqlenQ"], case["seqlenK"], device=DEVICE)
        return lambda: compiled(q, k, v, block_mask=mask), "torch.compile(flex_attention), block_mask of a sliding window"
    if mod["kind"] == "relativeBias":
        most = mod["maxDistance"]
        bias = filled(torch, "bias", (case["headsQ"], 2 * most + 1))

        def biased(score, b, h, q_idx, kv_idx):
            return score + bias[h, (q_idx - kv_idx).clamp(-most, most) + most]

        return lambda: compiled(q, k, v, score_mod=biased), "torch.compile(flex_attention), score_mod with a table"
    raise ValueError("no such mod: " + mod["kind"])


def sdpa_call(torch, case, q, k, v):
    """scaled_dot_product_attention, held to FlashAttention; anything else is an error."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    attend = torch.nn.functional.scaled_dot_product_attention
    grouped = case["headsQ"] != case["headsKv"]

    def call():
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            return attend(q, k, v, is_causal=case["causal"], enable_gqa=grouped)

    return call, "scaled_dot_product_attention, FLASH_ATTENTION" + (", enable_gqa" if grouped else "")


def load(torch, case):
    """The call of a case, its outputs by name, and what to say of it."""
    query = (case["batch"], case["headsQ"], case["seqlenQ"], case["headDim"])
    key = (case["batch"], case["headsKv"], case["seqlenK"], case["headDim"])
    q, k, v = filled(torch, "q", query), filled(torch, "k", key), filled(torch, "v", key)
    forward, how = (flex_call if "mod" in case else sdpa_call)(torch, case, q, k, v)
    if case["pass"] == "forward":
        return (lambda: {"out": forward()}), how
    inputs = [x.requires_grad_() for x in (q, k, v)]
    out, d_out = forward(), filled(torch, "dOut", query)

    def backward():
        gradients = torch.autograd.grad(out, inputs, d_out, retain_graph=True)
        return dict(zip(("dq", "dk", "dv"), gradients))

    return backward, how + ", autograd.grad"


def sample(outputs, probe):
    rows = outputs[probe["output"]].detach()[probe["batch"], probe["head"], probe["rowStart"] : probe["rowEnd"]]
    return base64.b64encode(array.array("f", rows.float().flatten().tolist()).tobytes()).decode()


class Peer:
    def __init__(self):
        self.torch = None
        self.call = None

    def hello(self, _):
        import torch

        if DEVICE == "cuda" and not torch.cuda.is_available():
            raise RuntimeError(f"torch {torch.__version__} finds no CUDA device")
        self.torch = torch
        name = torch.cuda.get_device_name() if DEVICE == "cuda" else "the CPU"
        return {"torch": torch.__version__, "device": name, "cuda": torch.version.cuda or "none"}

    def limits(self, _):
        return limits(self.torch)

    def load(self, question):
        self.call, how = load(self.torch, question["case"])
        outputs = self.call()
        samples = [sample(outputs, probe) for probe in question["probes"]]
        return {"how": how, "samples": samples}

    def time(self, question):
        return timed(self.torch, self.call, question["calls"])

    def release(self, _):
        self.call = None
        if DEVICE == "cuda":
            self.torch.cuda.empty_cache()
        return {}


def answer_to(peer, question):
    try:
        return getattr(peer, question["op"])(question)
    except Exception as error:
        text = str(error).strip().split("\n")[0]
        return {"error": f"{type(error).__name__}: {text}"}


def main():
    peer = Peer()
    for line in sys.stdin:
        if line.strip():
            answers.write(json.dumps(answer_to(peer, json.loads(line))) + "\n")
            answers.flush()


main()
