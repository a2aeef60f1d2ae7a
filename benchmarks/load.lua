-- The requests of a file, round after round: METHOD, path and body a line, separated by tabs.

local requests = {}
local at = 0

function init(arguments)
   for line in io.lines(arguments[1]) do
      local method, path, body = line:match("([^\t]*)\t([^\t]*)\t(.*)")
      requests[#requests + 1] = wrk.format(method, path, nil, body)
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency, _)
   local errors = summary.errors
   local failed = errors.status + errors.timeout + errors.read + errors.write + errors.connect
   io.write(string.format(
      'RESULT {"requests": %d, "duration": %d, "p50": %d, "p99": %d, "failed": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
