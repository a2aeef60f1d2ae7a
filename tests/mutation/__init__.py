"""Mutation testing of the REST suite: how many faults in the answers do its cases find?"""
