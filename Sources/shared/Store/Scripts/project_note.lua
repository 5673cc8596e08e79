-- project_note.lua: list a project that has queues, perhaps from before projects were listed.
-- KEYS    1 projects   2 names of the project's queues
-- ARGV    1 now   2 project
-- RETURNS 1 it is listed now, 0 it was, or has no queue
-- COST    log n projects
if call('EXISTS', KEYS[2]) == 0 then return 0 end
return call('ZADD', KEYS[1], 0, ARGV[2])
