-- delivery_lease.lua: lease deliveries that waited and are due.
-- KEYS    1 pacing   2 leases   3 payloads   4 ready-projects   5 subscription-headers   6 waiting-counts   7 turns
--         and by name: due ready-subscriptions meta held-subscriptions
-- ARGV    1 now   2 prefix   3 lease, ms   4 projects   5 subscriptions of a project   6 capacity, at most 1000
--         7 most of a project   8 how many projects have a number of their own, at most 256, then project, number of each
-- RETURNS what `lease_due` of lib_leasing.lua does
-- COST    k log n for k leases: 11 us for one, 5 each in bulk; at most 288 projects looked at
return lease_due(allowance_at(6), tonumber(ARGV[3]), ARGV[4], ARGV[5], KEYS[7])
