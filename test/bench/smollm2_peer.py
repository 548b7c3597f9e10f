"""SmolLM2 in PyTorch and transformers: one work, timed; the last line is JSON with ms and min_ms.

    python smollm2_peer.py --only forward|lora|generate --threads 2 --seconds 10 --model FILE.gguf
"""
import argparse
import json
import os
import statistics
import time

import torch
from transformers import AutoModelForCausalLM, logging

parser = argparse.ArgumentParser()
parser.add_argument('--only', choices=['forward', 'lora', 'generate'], required=True)
parser.add_argument('--threads', type=int, default=2)
parser.add_argument('--seconds', type=float, default=10)
parser.add_argument('--model', required=True)
flags = parser.parse_args()

torch.set_num_threads(flags.threads)
torch.manual_seed(0)
logging.set_verbosity_error()
logging.disable_progress_bar()
folder, name = os.path.split(flags.model)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
vocabulary = model.config.vocab_size


def forward():
    ids = torch.randint(0, vocabulary, (1, 1024))
    model.eval()

    def work():
        with torch.no_grad():
            model(input_ids=ids, use_cache=False)

    return work, 1


def lora():
    from peft import LoraConfig, get_peft_model

    linear = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
    adapted = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=linear))
    learnt = [p for p in adapted.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, 1e-3, weight_decay=0.01)
    ids = torch.randint(0, vocabulary, (4, 129))

    def work():
        logits = adapted(input_ids=ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, vocabulary), ids[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return work, 1


def generate():
    ids = torch.tensor([[504, 3575, 282, 4649, 314]])
    count = 48
    model.eval()

    def work():
        with torch.no_grad():
            found = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), min_new_tokens=count, max_new_tokens=count, do_sample=False, pad_token_id=2
            )
        assert found.shape[1] == ids.shape[1] + count

    return work, count


work, parts = {'forward': forward, 'lora': lora, 'generate': generate}[flags.only]()
work()
times = []
end = time.perf_counter() + flags.seconds
while time.perf_counter() < end or len(times) < 3:
    start = time.perf_counter()
    work()
    times.append(1e3 * (time.perf_counter() - start) / parts)
print(json.dumps({'ms': statistics.median(times), 'min_ms': min(times)}))
