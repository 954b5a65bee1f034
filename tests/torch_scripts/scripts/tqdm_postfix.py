"""A tqdm bar over the batches, with the loss as its postfix."""
# expect:
# [[run]]
# epochs = 2
# steps = 10
# params = {optimizer = "Adam", EPOCHS = 2, BATCH_SIZE = 24, LEARNING_RATE = 0.02, "loader.batch_size" = 24}
# models = ["model"]

import io

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

EPOCHS = 2
BATCH_SIZE = 24
LEARNING_RATE = 2e-2

torch.manual_seed(55)
x = torch.randn(120, 5)
loader = DataLoader(TensorDataset(x, x[:, :3].argmax(1)), batch_size=BATCH_SIZE)
model = nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
screen = io.StringIO()  # its times differ from run to run
for epoch in range(EPOCHS):
    #! epoch: epoch
    loop = tqdm(loader, desc=f"Epoch {epoch}", file=screen)
    correct = 0
    for data, targets in loop:
        scores = model(data)
        loss = nn.functional.cross_entropy(scores, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        correct += (scores.argmax(1) == targets).sum().item()
        loop.set_postfix(loss=loss.item(), accuracy=correct / 120)
    print(epoch, loss.item(), correct)
#! model: model(x[:4])
