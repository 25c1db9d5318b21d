"""The planner's side: roads (travel times), demand, coverage, siting, staffing, simulation."""
