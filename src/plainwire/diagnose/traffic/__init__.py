"""Facts of all connections together: what one of them is judged against."""
