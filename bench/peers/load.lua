-- A load for wrk: one request after the other, each with a credential drawn from a file.
-- Arguments: the file, a credential in each line, and the name of the header that carries it.

local requests = {}

function init(args)
  math.randomseed(1)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", nil, { [args[2]] = line, ["Host"] = "localhost" })
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'figures {"requests":%d,"microseconds":%d,"failed":%d,"p50":%.1f,"p99":%.1f}',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
