"""Evaluation in mid-pass, every five steps, and training goes on."""
# expect:
# [[run]]
# epochs = 2
# steps = 16
# params = {optimizer = "AdamW"}
# history = {val_loss = 3}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(34)
features = torch.randn(220, 6)
target = (features.abs().sum(dim=1) > 4.7).float()
train_dl = DataLoader(TensorDataset(features[:160], target[:160]), batch_size=20, shuffle=True)
val_dl = DataLoader(TensorDataset(features[160:], target[160:]), batch_size=20)
model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 1), nn.Flatten(0))
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
eval_every = 5

global_step = 0
for epoch in range(2):
    #! epoch: epoch
    for x, y in train_dl:
        model.train()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        #! train_loss: loss.item()
        global_step += 1
        if global_step % eval_every == 0:
            model.eval()
            val_losses, hits = [], 0
            with torch.no_grad():
                for vx, vy in val_dl:
                    logits = model(vx)
                    val_losses.append(loss_fn(logits, vy).item())
                    hits += ((logits > 0) == vy.bool()).sum().item()
            #! val_loss: sum(val_losses) / len(val_losses)
            #! val_accuracy: hits / 60
            print(f"step {global_step} train {loss.item()} val {sum(val_losses) / len(val_losses)} acc {hits / 60}")
#! model: model(features[:4])
