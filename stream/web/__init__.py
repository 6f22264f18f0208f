"""The live system as a service: HTTP API, event streams and page of `sge-stream serve`.

    stream.web.application    makes the FastAPI application of the modules `routes_*`
    stream.web.access_control every request: token, Host, Origin, size
    stream.web.service        what the routes read and change: the running system and the gallery
    stream.web.server_thread  runs uvicorn in a thread beside the loop that reads the results

Needs the extra `[web]`.
"""
