/* a /* nested */ comment */ SELECT U&"d", "quoted ""name""" -- to the end
, 'it''s' 'joined', .5, 1., 1_000, 0x1F, $$;$$ FROM pg_class
