"""Liu et al., "On the variance of the adaptive learning rate and beyond" (`liu2020variance`)."""
