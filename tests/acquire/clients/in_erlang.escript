#!/usr/bin/env escript
%% Requests by httpc: PORT [told]; one, or what it is told, as driven.py.
main([Port]) ->
    start(),
    io:format("~s~n", [ask(Port, default)]);
main([Port, "told"]) ->
    start(),
    io:format("ready~n"),
    told(Port, none, 0).

start() ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, _} = application:ensure_all_started(inets).

told(Port, Profile, Count) ->
    case {io:get_line(""), Profile} of
        {eof, _} -> ok;
        {"again\n", Known} when Known =/= none -> answer(Port, Known, Count);
        _ ->
            New = list_to_atom("profile" ++ integer_to_list(Count)),
            {ok, _} = inets:start(httpc, [{profile, New}]),
            answer(Port, New, Count + 1)
    end.

answer(Port, Profile, Count) ->
    io:format("~s~n", [ask(Port, Profile)]),
    told(Port, Profile, Count).

ask(Port, Profile) ->
    Url = "https://localhost:" ++ Port ++ "/",
    Options = [{ssl, [{verify, verify_none}]}, {timeout, 60000}],
    {ok, {{_, Status, _}, _, _}} = httpc:request(get, {Url, []}, Options, [], Profile),
    integer_to_list(Status).
