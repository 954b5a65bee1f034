"""Copies of one network, each under another optimizer, trained in lockstep: four runs."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "SGD"}
# models = ["model"]
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "SGD", "optimizer.momentum" = 0.8}
# models = ["model"]
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "RMSprop", "optimizer.alpha" = 0.9}
# models = ["model"]
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam"}
# models = ["model"]

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
LR = 0.01
BATCH_SIZE = 32
EPOCH = 2

x = torch.unsqueeze(torch.linspace(-1, 1, 128), dim=1)
y = x.pow(2) + 0.1 * torch.randn(x.size())
loader = DataLoader(dataset=TensorDataset(x, y), batch_size=BATCH_SIZE, shuffle=True)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(1, 20)
        self.predict = torch.nn.Linear(20, 1)

    def forward(self, x):
        return self.predict(F.relu(self.hidden(x)))


net_SGD, net_Momentum, net_RMSprop, net_Adam = Net(), Net(), Net(), Net()
nets = [net_SGD, net_Momentum, net_RMSprop, net_Adam]
opt_SGD = torch.optim.SGD(net_SGD.parameters(), lr=LR)
opt_Momentum = torch.optim.SGD(net_Momentum.parameters(), lr=LR, momentum=0.8)
opt_RMSprop = torch.optim.RMSprop(net_RMSprop.parameters(), lr=LR, alpha=0.9)
opt_Adam = torch.optim.Adam(net_Adam.parameters(), lr=LR, betas=(0.9, 0.99))
optimizers = [opt_SGD, opt_Momentum, opt_RMSprop, opt_Adam]
loss_func = torch.nn.MSELoss()
losses_his = [[], [], [], []]
for epoch in range(EPOCH):
    #! epoch: epoch
    print("Epoch: ", epoch)
    for step, (b_x, b_y) in enumerate(loader):
        for number, (net, opt, l_his) in enumerate(zip(nets, optimizers, losses_his, strict=True)):
            output = net(b_x)
            loss = loss_func(output, b_y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            l_his.append(loss.item())
            #! train_loss[number]: loss.item()
print([values[-1] for values in losses_his])
#! model[0]: net_SGD(x[:3])
#! model[1]: net_Momentum(x[:3])
#! model[2]: net_RMSprop(x[:3])
#! model[3]: net_Adam(x[:3])
