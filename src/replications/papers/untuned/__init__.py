"""untuned: does a warm-up that beta2 alone decides do what RAdam does?"""

PAPER = "ma2021adequacy"
