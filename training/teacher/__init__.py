"""The teacher: 'Everybody Dance Now' as its authors trained it, from which the student learns."""
