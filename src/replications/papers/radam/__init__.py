"""RAdam: does the variance of the adaptive learning rate make Adam need warm-up?"""

PAPER = "liu2020variance"
