# fish looks for a file per command; all are completed by that of evt_wait.
source (status dirname)/evt_wait.fish
