-- pool_list.lua: read all pools and flavors as they are at one moment.
-- KEYS    1 version   2 pools   3 flavors
-- ARGV    1 now
-- RETURNS { version, { pool, record, … }, { flavor, record, … } }
-- COST    one reply of all of them; their number is bounded where they are written
return { call('GET', KEYS[1]) or '0', call('HGETALL', KEYS[2]), call('HGETALL', KEYS[3]) }
