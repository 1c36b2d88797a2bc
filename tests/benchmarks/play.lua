-- Plays the calls of one client, again and again: a file for each thread of wrk, a call on each line,
--   method TAB path TAB header: value|header: value TAB body
-- "@" in a body stands for an amount that no other call has. Prints one line of JSON at the end.
-- Arguments: the folder of the files, and a number that no other play has.

local number = 0

function setup(thread)
    thread:set("client", number)
    number = number + 1
end

function init(arguments)
    play, calls, count = tonumber(arguments[2]), {}, 0
    for line in io.lines(arguments[1] .. "/" .. client) do
        local method, path, headers, body = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
        local call = { method = method, path = path, headers = {}, body = body ~= "" and body or nil }
        for name, value in headers:gmatch("([^:|]+): ([^|]+)") do
            call.headers[name] = value
        end
        if not body:find("@", 1, true) then
            call.text = wrk.format(method, path, call.headers, call.body)
        end
        table.insert(calls, call)
    end
end

function request()
    local call = calls[count % #calls + 1]
    count = count + 1
    if call.text then
        return call.text
    end
    local amount = string.format("%d.%02d", play * 100000 + client * 1000 + math.floor(count / 100), count % 100)
    return wrk.format(call.method, call.path, call.headers, (call.body:gsub("@", amount)))
end

function done(summary, latency, _)
    local errors = summary.errors
    print(string.format(
        '{"calls": %d, "seconds": %f, "bytes": %d, "p50": %f, "p99": %f, "refused": %d, "lost": %d}',
        summary.requests, summary.duration / 1e6, summary.bytes,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
