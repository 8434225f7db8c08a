"""tidemill: exact on-chain and order-book events, kept once, with proof that none is missing."""
