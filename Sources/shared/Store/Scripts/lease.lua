-- lease.lua: lease deliveries that waited and are due.
-- KEYS    1 flow   2 fly   3 pay   4 rp   5 subh   and by name: due r meta
-- ARGV    1 now   2 prefix   3 capacity, at most 1000   4 lease, ms   5 projects   6 subscriptions of a project
-- RETURNS what `lease_due` of leasing.lua does
-- COST    k log n for k leases: 11 us for one, 5 each in bulk
return lease_due(ARGV[3], ARGV[4], ARGV[5], ARGV[6])
