"""Are the answers about a study right? Each module measures one where the truth is known."""
