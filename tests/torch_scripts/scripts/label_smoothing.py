"""Class weights and label smoothing in the training loss, a plain one in validation."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "RAdam", criterion = "CrossEntropyLoss", "criterion.label_smoothing" = 0.1}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(28)
X = torch.randn(210, 4)
y = (X[:, 0] > 0.8).long() + (X[:, 1] > 1.2).long()
counts = torch.bincount(y[:160], minlength=3).float()
sampler = WeightedRandomSampler((1 / counts)[y[:160]], num_samples=160)
train_loader = DataLoader(TensorDataset(X[:160], y[:160]), batch_size=40, sampler=sampler)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
train_criterion = nn.CrossEntropyLoss(weight=counts.sum() / counts, label_smoothing=0.1)
eval_criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.RAdam(net.parameters(), lr=0.02)
for epoch in range(3):
    #! epoch: epoch
    net.train()
    for inputs, labels in train_loader:
        loss = train_criterion(net(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    net.eval()
    with torch.no_grad():
        logits = net(X[160:])
        held_out = eval_criterion(logits, y[160:]).item()
        accuracy = (logits.argmax(1) == y[160:]).float().mean().item()
    #! val_loss: held_out
    #! val_accuracy: accuracy
    print(epoch, loss.item(), held_out, accuracy)
#! model: net(X[:5])
