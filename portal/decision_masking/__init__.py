"""Original and public words of a decision side by side: a person decides what is masked and confirms it."""
