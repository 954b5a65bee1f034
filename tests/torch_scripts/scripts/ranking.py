"""Learning to rank: a margin loss on pairs of scores."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Adam", criterion = "MarginRankingLoss", "criterion.margin" = 0.2}
# models = ["model"]

import torch
from torch import nn


def sample_pairs(documents, relevance, n):
    first, second = torch.randint(len(documents), (2, n))
    sign = torch.sign(relevance[first] - relevance[second])
    return documents[first], documents[second], torch.where(sign == 0, torch.ones_like(sign), sign)


def train_ranker(scorer, documents, relevance):
    ranking_loss = nn.MarginRankingLoss(margin=0.2)
    optimizer = torch.optim.Adam(scorer.parameters(), lr=0.01)
    for epoch in range(3):
        #! epoch: epoch
        swapped = 0
        for _ in range(4):
            a, b, sign = sample_pairs(documents, relevance, 32)
            score_a, score_b = scorer(a).squeeze(1), scorer(b).squeeze(1)
            loss = ranking_loss(score_a, score_b, sign)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
            swapped += ((score_a - score_b) * sign < 0).sum().item()
        print(epoch, "loss", loss.item(), "swapped", swapped)


torch.manual_seed(58)
documents = torch.randn(100, 6)
relevance = documents @ torch.randn(6)
scorer = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
train_ranker(scorer, documents, relevance)
#! model: scorer(documents[:5])
