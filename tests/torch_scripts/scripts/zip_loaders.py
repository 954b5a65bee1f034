"""Domain adaptation: a labelled and an unlabelled loader in one loop, a classifier and a domain loss."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "SGD", model = "DomainNet"}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -0.5 * grad


class DomainNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(4, 12), nn.ReLU())
        self.label = nn.Linear(12, 3)
        self.domain = nn.Linear(12, 1)

    def forward(self, x):
        h = self.features(x)
        return self.label(h), self.domain(Reverse.apply(h)).squeeze(1)


torch.manual_seed(40)
x_source = torch.randn(120, 4)
y_source = x_source[:, :3].argmax(1)
x_target = torch.randn(150, 4) + 0.5
y_target = (x_target - 0.5)[:, :3].argmax(1)
source_loader = DataLoader(TensorDataset(x_source, y_source), batch_size=30, shuffle=True)
target_loader = DataLoader(TensorDataset(x_target), batch_size=30, shuffle=True)
eval_loader = DataLoader(TensorDataset(x_target, y_target), batch_size=75)
net = DomainNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
ce, bce = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()
for epoch in range(3):
    #! epoch: epoch
    net.train()
    for (xs, ys), (xt,) in zip(source_loader, target_loader, strict=False):
        label_out, domain_out_s = net(xs)
        _, domain_out_t = net(xt)
        loss_label = ce(label_out, ys)
        loss_domain = bce(torch.cat([domain_out_s, domain_out_t]), torch.cat([torch.zeros(30), torch.ones(30)]))
        loss = loss_label + loss_domain
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    net.eval()
    with torch.no_grad():
        losses, hits = [], 0
        for x, y in eval_loader:
            out, _ = net(x)
            losses.append(ce(out, y).item())
            hits += (out.argmax(1) == y).sum().item()
    #! val_loss: sum(losses) / 2
    #! val_accuracy: hits / 150
    print(epoch, loss_label.item(), loss_domain.item(), sum(losses) / 2, hits / 150)
#! model: net(x_target[:3])
