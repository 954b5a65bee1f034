"""The word language model example's shape: truncated BPTT, clipped gradients, plain SGD, lr cut when val stalls."""
# expect:
# [[run]]
# epochs = 3
# steps = 24
# params = {model = "RNNModel", criterion = "CrossEntropyLoss"}
# models = ["best", "model"]

import math

import torch
import torch.nn as nn

torch.manual_seed(1111)
bptt, clip, lr = 6, 0.25, 2.0


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


corpus = (torch.arange(300) ** 2 % 11 + torch.randint(0, 2, (300,))) % 12
train_data = batchify(corpus[:196], 4)
val_data = batchify(corpus[196:], 4)


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid):
        super().__init__()
        self.nhid = nhid
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.encoder(input), hidden)
        return self.decoder(output).view(-1, 12), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return weight.new_zeros(1, bsz, self.nhid), weight.new_zeros(1, bsz, self.nhid)


model = RNNModel(12, 8, 10)
criterion = nn.CrossEntropyLoss()


def repackage_hidden(h):
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage_hidden(v) for v in h)


def get_batch(source, i):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


def evaluate(data_source):
    model.eval()
    losses = []
    hidden = model.init_hidden(4)
    with torch.no_grad():
        for i in range(0, data_source.size(0) - 1, bptt):
            data, targets = get_batch(data_source, i)
            output, hidden = model(data, hidden)
            hidden = repackage_hidden(hidden)
            losses.append(criterion(output, targets).item())
    return sum(losses) / len(losses)


def train():
    model.train()
    total_loss = 0.0
    hidden = model.init_hidden(4)
    for batch, i in enumerate(range(0, train_data.size(0) - 1, bptt)):
        data, targets = get_batch(train_data, i)
        optimizer.zero_grad()
        hidden = repackage_hidden(hidden)
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        #! train_loss: loss.item()
        total_loss += loss.item()
        if batch % 4 == 3:
            print(f"| epoch {epoch} | {batch} batches | lr {optimizer.param_groups[0]['lr']} | loss {total_loss / 4}")
            total_loss = 0


best_val_loss = None
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for epoch in range(1, 4):
    #! epoch: epoch - 1
    train()
    val_loss = evaluate(val_data)
    #! val_loss: val_loss
    print(f"| end of epoch {epoch} | valid loss {val_loss} | valid ppl {math.exp(val_loss)}")
    if not best_val_loss or val_loss < best_val_loss:
        best_val_loss = val_loss
        #! model best: model(val_data[:3], model.init_hidden(4))
    else:
        for group in optimizer.param_groups:
            group["lr"] /= 4.0
#! model: model(val_data[:3], model.init_hidden(4))
