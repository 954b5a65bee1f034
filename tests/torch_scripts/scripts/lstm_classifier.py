"""An LSTM over sequences of different lengths, packed; gradients clipped by value."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "NAdam", model = "Reader", "model.hidden_size" = 8, "model.n_classes" = 2}
# models = ["model"]

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence


class Reader(nn.Module):
    def __init__(self, hidden_size, n_classes):
        super().__init__()
        self.lstm = nn.LSTM(2, hidden_size, batch_first=True, bidirectional=True)
        self.classify = nn.Linear(2 * hidden_size, n_classes)

    def forward(self, padded, lengths):
        packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        _, (last, _) = self.lstm(packed)
        return self.classify(torch.cat([last[0], last[1]], dim=1))


torch.manual_seed(9)
lengths = torch.randint(3, 9, (80,))
sequences = [torch.randn(int(n), 2) for n in lengths]
labels = torch.tensor([int(s[:, 0].sum() > 0) for s in sequences])
padded = pad_sequence(sequences, batch_first=True)
reader = Reader(hidden_size=8, n_classes=2)
optimizer = torch.optim.NAdam(reader.parameters(), lr=0.02)
criterion = nn.CrossEntropyLoss()
for epoch in range(2):
    #! epoch: epoch
    n_right = 0
    for part in torch.arange(80).chunk(4):
        logits = reader(padded[part], lengths[part])
        loss = criterion(logits, labels[part])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(reader.parameters(), 0.5)
        optimizer.step()
        #! train_loss: loss.item()
        n_right += (logits.argmax(1) == labels[part]).sum().item()
    print("epoch", epoch, "training accuracy", n_right / 80)
#! model: reader(padded[:5], lengths[:5])
