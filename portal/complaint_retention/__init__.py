"""The end of closed complaints: after the months their kind of case is kept for, nothing personal is left of them."""
