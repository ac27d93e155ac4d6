"""One avatar in time: layers to one FlameFrame per tick, packets, takes."""
