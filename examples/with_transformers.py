"""Hugging Face's Trainer: train a tiny GPT-2 from random weights on sums; it downloads nothing.

Run ``python examples/with_transformers.py``; it takes a few seconds.
"""

import torch
import transformers

import lrshape


def dataset(count):
    """Return rows a, b, (a + b) mod 10, with a label only at the sum."""
    numbers = torch.cartesian_prod(torch.arange(10), torch.arange(10)).repeat(count // 100, 1)
    rows = torch.cat([numbers, numbers.sum(dim=1, keepdim=True) % 10], dim=1)
    return [{"input_ids": row, "labels": torch.where(torch.arange(3) == 2, row, -100)} for row in rows]


def main():
    """Train with a Trainer that stretches the schedule over its own number of steps."""
    schedule = lrshape.Schedule("wsd", {"warmup": 0.1, "decay": 0.4}, base_lr=0.01, steps=1)
    torch.set_num_threads(1)  # faster for so small a model
    transformers.set_seed(0)
    transformers.utils.logging.disable_progress_bar()
    config = transformers.GPT2Config(
        vocab_size=10, n_positions=3, n_embd=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    model = transformers.GPT2LMHeadModel(config)
    arguments = transformers.TrainingArguments(
        output_dir="with-transformers", num_train_epochs=4, per_device_train_batch_size=50, use_cpu=True,
        gradient_accumulation_steps=2, report_to="none", save_strategy="no", logging_strategy="no",
        disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = schedule.to_trainer()(model=model, args=arguments, train_dataset=dataset(1000))
    result = trainer.train()
    last = trainer.lr_scheduler.get_last_lr()[0]
    loss, steps = result.training_loss, result.global_step
    print(f"training loss {loss:.3f} over {steps} steps, last learning rate {last:.6f}")


if __name__ == "__main__":
    main()
