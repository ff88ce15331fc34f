"""English of the picture of the network."""

TITLE = "The network: {count} layers, coloured by {label}"
SAID = "A click chooses a layer; ⊕ is a sum of what flows in. Lines are what flows from layer to layer; those that pass over layers are skip connections."
SUM = "sum"
NOT_FOLLOWED = "A click chooses a layer. Which layer feeds which cannot be followed in this network's code, or there are too many connections to tell apart: the layers stand in the order in which they run."
TIP = "{name}, {kind}: {value}"
ALT = "Graph of {count} layers, {sums} sums and {edges} connections, {skips} of them past other layers, coloured by {label}; {name} is chosen with {value}."
