"""Node classification: an evaluate() helper that is given a mask, called for validation, and for test at the end."""
# expect:
# [[run]]
# epochs = 10
# steps = 10
# params = {optimizer = "Adam", "optimizer.lr" = 0.05}
# models = ["model", "best"]

import torch
from torch import nn


class GraphNet(nn.Module):
    def __init__(self, adjacency, n_features, n_classes):
        super().__init__()
        self.register_buffer("adjacency", adjacency)
        self.first = nn.Linear(n_features, 12)
        self.second = nn.Linear(12, n_classes)

    def forward(self, features):
        h = torch.relu(self.adjacency @ self.first(features))
        return torch.log_softmax(self.adjacency @ self.second(h), dim=1)


def evaluate(model, features, labels, mask):
    model.eval()
    with torch.no_grad():
        logits = model(features)[mask]
        loss = nn.functional.nll_loss(logits, labels[mask])
        accuracy = (logits.argmax(dim=1) == labels[mask]).float().mean()
    return loss.item(), accuracy.item()


def main():
    torch.manual_seed(31)
    n = 100
    labels = (torch.arange(n) >= 50).long()
    features = torch.randn(n, 4) + labels[:, None] * 0.8
    links = (torch.rand(n, n) < 0.05).float() + torch.eye(n)
    adjacency = links / links.sum(dim=1, keepdim=True)
    idx = torch.randperm(n)
    idx_train, idx_val, idx_test = idx[:40], idx[40:70], idx[70:]
    model = GraphNet(adjacency, 4, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for epoch in range(10):
        #! epoch: epoch
        model.train()
        loss = nn.functional.nll_loss(model(features)[idx_train], labels[idx_train])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        val_loss, val_acc = evaluate(model, features, labels, idx_val)
        #! val_loss: val_loss
        #! val_accuracy: val_acc
        print(epoch, loss.item(), val_loss, val_acc)
    test_loss, test_acc = evaluate(model, features, labels, idx_test)
    #! test_loss: test_loss
    #! test_accuracy: test_acc
    print("test", test_loss, test_acc)
    #! model: model(features)


main()
